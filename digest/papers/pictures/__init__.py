"""Pictures of papers, from a source's thumbnail to a file of our own.

In: `Paper.thumbnail_url`. Out: `Paper.picture`, the name of a JPEG in the storage "pictures", which
the site serves from its own host. No reader's browser or mail program asks anybody else, and what
they get was drawn by us: of the original file nothing is left but the pixels.

Read in this order:

* ``fetching``  fetches the thumbnails that are due, one at a time, and notes what came of it
* ``drawing``   makes a small JPEG of whatever was fetched, in a process of its own
* ``drawer``    that process: a script that loads Pillow, and nothing of ours
* ``keeping``   stores pictures, reads them, and removes old and hidden ones
"""

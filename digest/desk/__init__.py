"""The desk: what operators see of the service and do with it, beside Django's own admin.

In go the rows of all rooms below, Redis, and the settings; out come pages under ``/admin/``,
answers for monitoring, and messages to operators. Nothing here is needed for sending.

* ``words``   states, reasons, numbers and times as people read them;  ``reasons`` of holds
* ``labels``  what Django calls models and fields, translated;  ``names`` and ``choices`` list that
* ``today``   how things stand: one module a subject, and ``attention``, what needs a person
* ``site``    the admin's site, which opens on Today;  ``apps`` installs it;  ``tags`` are filters
              for its templates;  ``lists`` keeps lists of large tables quick
* ``health``  the same for programs: `/live`, `/ready` and `/metrics`
* ``doctor``  what mailbox providers will make of our mail: SPF, DKIM, DMARC, names, TLS, headers
* ``access``  what each role may (the table in ``roles``), and second factors of operators
* ``audit``   records what operators do;  ``log`` looks it up
* ``people``  one reader's whole story: what they got, what they did not get and why, what to do
* ``imports`` readers from other systems as files, and ours as one
* ``alerts``  tells operators when something begins to need them, and when it is well again

Read ``today`` first. A new kind of trouble is a function in ``today.attention``: the page, the
alerts and `/ready` follow from it.
"""

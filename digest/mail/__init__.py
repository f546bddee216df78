"""From a selection to the bytes of a mail.

In: a window of editions and a language (`shared.shared_parts`), a reader's selection
(`digest.choosing.composing.Composed`), and the values that belong to that reader alone.
Out: a `message.DigestMessage`, which any Django mail backend can send.

Everything that the readers of one edition and language share is rendered once, already encoded
for the wire, and cached. One more reader costs only the joining of bytes: no template engine and
no `email` generator.

Read in this order:

    wire            quoted-printable fragments, header lines, a message made of ready bytes
    templates       Django templates rendered once, with slots for the personal values
    version         which templates made a mail
    card_templates  one paper as the mail shows it
    shared          all that the mails of one edition and language have in common
    rendering       one reader's selection joined with the shared parts
    message         the result: a Django message with its bytes ready
"""

"""Bounces that come as mail: over SMTP nobody else tells us what became of a mail after the server
had taken it.

In go mails from a mailbox or a pipe; out come the very events that webhooks bring, and a mailbox
that is empty again. Only a mail whose address or content holds a token of ours changes anything
(``mail.return_path``). Nothing is removed before its event is committed; what cannot be understood
is put aside, where an operator finds it.

Read in this order:

    mime       the parts of a mail, within bounds
    reports    what a mail reports: a delivery status (RFC 3464), a complaint (RFC 5965), or a
               bounce in a mail server's own words
    taking     one mail: whose it is, the event, and what is to happen with the mail
    mailboxes  an IMAP or POP3 server, a Maildir, and where mails are put aside
    reading    a whole mailbox

``manage.py read_bounces`` reads by hand and from a pipe; the tick does every few minutes.
"""

"""Would our mail arrive? The set-up around Broadsheet, as mailbox providers will judge it.

In go the settings, a DNS server, the mail server, the site's own URL and, where the operator has
one, a mail as it arrived. Out come findings: what is right, what is wrong and how to change it, and
what cannot be told from here. Nothing is sent and nothing is stored. No finding has a key, a token
or anybody's address in it.

Read in this order:

    findings     what a check returns
    resolver     DNS with a time limit; tells "there is none" from "nobody answers"
    tags         the syntax that DKIM's and DMARC's records share
    arrived      what a mail tells that arrived in a mailbox
    setup        what there is to look at: domains, services, IP addresses, selectors
    spf          an SPF record, walked and evaluated;  `sender` says what that means for us
    dkim, dmarc  the keys; the policy and the alignment
    hosts        reverse names, the greeting, where replies go, the mail servers' TLS
    mail         a digest as it is sent: headers and size; the one-click POST; the webhooks' secret
    bounces      where bounces come back to, and whether they are read
    rules        the mailbox providers' rules, each with its date
    examining    all of it
"""

"""A small file as each system writes it. People and hosts are invented.

The columns are those of the systems' own source, or of files that others describe:

* listmonk: the header that ``cmd/subscribers.go`` writes;
* Ghost: ``unparse`` of ``@tryghost/members-csv``;
* Keila: its import template and ``test/keila/contacts``;
* Buttondown: ``Subscriber`` and ``SubscriberType`` of its OpenAPI document;
* Substack: ``email_list.*.csv`` as Ghost's ``mg-substack`` reads it;
* Mailchimp: the audience export, one file each of subscribed, unsubscribed and cleaned contacts.
"""

LISTMONK = """\
uuid,email,name,attributes,status,created_at,updated_at
6a3f0e2a-0000-4000-8000-000000000001,ada@dest.example,Ada,"{""city"": ""Porto, PT""}",enabled,\
2024-03-01 10:00:00.123456+00,2024-03-02 10:00:00+00
6a3f0e2a-0000-4000-8000-000000000002,bo@dest.example,Bo,{},disabled,2024-03-01 10:00:00+00,
6a3f0e2a-0000-4000-8000-000000000003,cy@dest.example,Cy,{broken,blocklisted,2024-03-01 10:00:00+00,
"""
MAILCHIMP = """\
"Email Address","First Name","Last Name",Address,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,\
CONFIRM_IP,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS
ada@dest.example,Ada,,"1 High Street
Porto",2,"2023-05-05 09:00:00",,"2023-05-05 09:01:00",192.0.2.1,0,1,Europe/Lisbon,PT,11,,1,a1,,vip
"""
MAILCHIMP_UNSUBSCRIBED = """\
"Email Address","First Name",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,\
UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID
bo@dest.example,Bo,2,"2023-05-05 09:00:00",,"2024-01-01 08:00:00",May,77,"NORMAL",,2,b2
cy@dest.example,Cy,2,"2023-05-05 09:00:00",,"2024-01-01 08:00:00",May,77,"Marked as spam",,3,c3
dee@dest.example,Dee,2,"2023-05-05 09:00:00",,,,,,,4,d4
"""
MAILCHIMP_CLEANED = """\
"Email Address","First Name",MEMBER_RATING,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,\
CLEAN_CAMPAIGN_ID,LEID,EUID
bo@dest.example,Bo,2,"2023-05-05 09:00:00","2024-01-01 08:00:00",May,77,2,b2
"""
SUBSTACK = """\
email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at
ada@dest.example,false,,other,false,2025-01-01T00:00:00.000Z,
bo@dest.example,true,2027-01-01T00:00:00.000Z,yearly,true,2025-01-01T00:00:00.000Z,
"""
BUTTONDOWN = """\
email_address,type,creation_date,notes,metadata,tags,referrer_url
ada@dest.example,regular,2024-06-01T00:00:00Z,,"{""name"": ""Ada""}",vip,
bo@dest.example,unsubscribed,2024-06-01T00:00:00Z,,{},,
cy@dest.example,unactivated,2024-06-01T00:00:00Z,,{},,
dee@dest.example,undeliverable,2024-06-01T00:00:00Z,,{},,
"""
GHOST = """\
id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,\
deleted_at,labels,tiers,gift_id
64f,ada@dest.example,Ada,"Early, and kind",true,,,2022-10-30T14:52:08.000Z,,"vip,beta",,
65a,bo@dest.example,Bo,,false,,,2022-10-30T14:52:08.000Z,,,,
"""
KEILA = """\
Email,First name,Last name,Data,Status,External ID
ada@dest.example,Ada,,"{""a"": 1}",active,1
bo@dest.example,Bo,,,unsubscribed,2
cy@dest.example,Cy,,,unreachable,3
dee@dest.example,Dee,,,inactive,4
eve@dest.example,Eve,,,,5
"""

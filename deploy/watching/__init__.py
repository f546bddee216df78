"""What shows from outside how Broadsheet runs: probes, log lines, reports of errors.

``probes`` answers `/live`, `/ready` and `/metrics`; ``alive`` says whether a worker lives;
``outages`` turns a missing database into 503; ``logs`` writes log lines as JSON; ``errors`` reports
errors to Sentry. What there is to say comes from ``digest.desk``.
"""

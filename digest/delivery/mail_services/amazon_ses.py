"""Amazon SES: errors come as codes of the AWS API, without an HTTP status."""

from anymail.exceptions import AnymailAPIError

from digest.delivery.outcomes import Outcome, Verdict

from .base import Traits

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_VERDICTS = {
    "TooManyRequestsException": Verdict.RETRY,
    "LimitExceededException": Verdict.RETRY,
    "AccountSuspendedException": Verdict.STOP,
    "SendingPausedException": Verdict.STOP,
    "MailFromDomainNotVerifiedException": Verdict.STOP,
    "MessageRejected": Verdict.FAILED,
    "BadRequestException": Verdict.FAILED,
    "NotFoundException": Verdict.FAILED,
}


def _outcome_of(error: AnymailAPIError) -> Outcome | None:
    response = getattr(error, "response", None)
    code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
    return Outcome(_VERDICTS.get(code, Verdict.UNCERTAIN), f"SES: {code}") if code else None


TRAITS = Traits(
    name="Amazon SES",
    outcome_of=_outcome_of,
    soft_bounces={"bounceType": frozenset({"Transient", "Undetermined"})},
)

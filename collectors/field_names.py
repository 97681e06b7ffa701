"""Keys under which people log what an inference consists of: the better name first.

Each is written as its words run together in lower case: `requestid` stands for `request_id`,
`requestId` and `request-id`.
"""

from __future__ import annotations

from collections.abc import Mapping

from collectors.layout import LatencyUnit


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CONTAINERS = _words(
    "features feature featurevector inputfeatures modelinput modelinputs inputs input instances "
    "instance predictors messages prompt"
)
WRAPPERS = _words("x row record data payload request")
"""Names that hold the features if nothing better does, and the answer lies elsewhere."""

PREDICTIONS = _words(
    "prediction predictions predicted predictedvalue predictedclass predictedlabel modeloutput "
    "yhat ypred pred outputs output choices completion response result answer probabilities probs "
    "scores probability score label class"
)
ANSWERS = _words(
    "value prediction predictions predictedvalue label class content text data output scores "
    "score probabilities probability"
)
"""Names of the answer proper inside an object that is named as in `PREDICTIONS`."""

TIMES = _words(
    "timestamp eventtime eventtimestamp time ts datetime createdat created occurredat loggedat "
    "requesttime requesttimestamp predictedat predictiontime inferencetimestamp receivedat date"
)
VERSIONS = _words("modelversion version modelver modelrevision modeltag modelid model")
STATUSES = _words("status statuscode httpstatus httpstatuscode responsestatus responsecode code")
ERRORS = _words("errortype errorcode errorname error exception err errormessage failure")
REQUEST_IDS = _words(
    "requestid inferenceid predictionid traceid correlationid eventid messageid recordid "
    "transactionid uuid id"
)
LATENCIES = _words(
    "latency duration responsetime inferencetime processingtime executiontime servingtime elapsed "
    "elapsedtime runtime took"
)
NAME_LISTS = _words("featurenames featurename inputnames columns columnnames names fields")
UNITS: Mapping[str, LatencyUnit] = {
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "usec", "usecs", "micros", "microseconds"), "us"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
}
"""What the last word of a latency's key says of its unit."""

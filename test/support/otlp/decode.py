"""Reads files with requests of OTLP by OpenTelemetry's own schema, and prints them as one line of JSON each.

The last word of each line is the number of fields that the schema does not know.
"""

import json
import sys

from google.protobuf.json_format import MessageToDict
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


def unknown_fields(message):
    count = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in [value] if hasattr(value, "ListFields") else value:
            count += unknown_fields(each)
    return count


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        request = ExportMetricsServiceRequest.FromString(file.read())
    print(json.dumps({"request": MessageToDict(request), "unknown": unknown_fields(request)}))

"""The alarms as resources; what they watch is in alarms.py."""

from collections.abc import Iterable

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from constructs import Construct

from tap.infra.alarms import NAMESPACE, AlarmDefinition, Series


def alarms(
    scope: Construct, definitions: Iterable[AlarmDefinition], *, period: int, topic_arn: str, tags: dict[str, str]
) -> list[CloudwatchMetricAlarm]:
    """One alarm for each definition; each tells the topic when it goes to ALARM and when it is OK again."""
    return [_alarm(scope, definition, period, topic_arn, tags) for definition in definitions]


def _alarm(
    scope: Construct, definition: AlarmDefinition, period: int, topic_arn: str, tags: dict[str, str]
) -> CloudwatchMetricAlarm:
    first, *more = definition.series
    return CloudwatchMetricAlarm(
        scope,
        definition.construct_id,
        alarm_name=definition.name,
        alarm_description=definition.description,
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=definition.threshold,
        evaluation_periods=1,
        namespace=None if more else NAMESPACE,
        metric_name=None if more else first.metric,
        dimensions=None if more else first.dimensions or None,
        statistic=None if more else "Sum",
        period=None if more else period,
        metric_query=_sum(definition.series, period) if more else None,
        # DynamoDB emits an error metric only when there was an error: silence is good news.
        treat_missing_data="notBreaching",
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        tags=tags,
    )


def _sum(series: Iterable[Series], period: int) -> list[CloudwatchMetricAlarmMetricQuery]:
    ids = {f"m{index}": one for index, one in enumerate(series, start=1)}
    # Without FILL one series that had nothing to emit makes the whole sum empty.
    dimensions = {name for one in ids.values() for name in one.dimensions}
    total = CloudwatchMetricAlarmMetricQuery(
        id="total",
        label="Sum over all operations" if "Operation" in dimensions else "Table and index",
        expression=" + ".join(f"FILL({id_}, 0)" for id_ in ids),
        return_data=True,
    )
    parts = [
        CloudwatchMetricAlarmMetricQuery(
            id=id_,
            metric=CloudwatchMetricAlarmMetricQueryMetric(
                namespace=NAMESPACE,
                metric_name=one.metric,
                dimensions=dict(one.dimensions),
                period=period,
                stat="Sum",
            ),
        )
        for id_, one in ids.items()
    ]
    return [total, *parts]

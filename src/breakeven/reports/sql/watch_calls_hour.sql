-- Per hour, by feature, by customer (of those named) and by model: calls, those whose first attempt was not ok, tokens of all attempts.
-- Summed by all of them first: far fewer rows are then summed once for each.
WITH hours AS (
    SELECT
        date_trunc('hour', occurred_at) AS bucket,
        feature,
        CASE WHEN customer IN (SELECT unnest(CAST($customers AS VARCHAR[]))) THEN customer END AS customer,
        model,
        sum(call_count) FILTER (WHERE attempt = 0) AS calls,
        sum(call_count) FILTER (WHERE attempt = 0 AND status <> 'ok') AS not_ok,
        sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)) AS input_side,
        sum(coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0)) AS output_side,
        sum(cache_read_tokens) AS cache_read
    FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {filters}
    GROUP BY ALL
)

SELECT
    bucket,
    GROUPING(feature) AS without_feature,
    GROUPING(customer) AS without_customer,
    feature,
    customer,
    model,
    CAST(coalesce(sum(calls), 0) AS BIGINT) AS calls,
    CAST(coalesce(sum(not_ok), 0) AS BIGINT) AS not_ok,
    CAST(coalesce(sum(input_side + output_side), 0) AS HUGEINT) AS tokens,
    CAST(coalesce(sum(input_side), 0) AS HUGEINT) AS input_side,
    CAST(coalesce(sum(cache_read), 0) AS HUGEINT) AS cache_read
FROM hours
GROUP BY GROUPING SETS ((bucket, feature), (bucket, customer), (bucket, model))

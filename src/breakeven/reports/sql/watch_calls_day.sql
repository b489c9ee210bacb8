-- Per day, by feature, by customer (of those named) and by model: calls, those whose first attempt was not ok, tokens of all attempts.
SELECT
    day AS bucket,
    GROUPING(feature) AS without_feature,
    GROUPING(customer) AS without_customer,
    feature,
    customer,
    model,
    CAST(coalesce(sum(call_count), 0) AS BIGINT) AS calls,
    CAST(coalesce(sum(call_count) FILTER (WHERE status <> 'ok'), 0) AS BIGINT) AS not_ok,
    CAST(coalesce(sum(
        coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        + coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0)
    ), 0) AS HUGEINT) AS tokens,
    CAST(coalesce(sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)), 0) AS HUGEINT)
        AS input_side,
    CAST(coalesce(sum(cache_read_tokens), 0) AS HUGEINT) AS cache_read
FROM (
    SELECT * REPLACE (CASE WHEN customer IN (SELECT unnest(CAST($customers AS VARCHAR[]))) THEN customer END AS customer)
    FROM {calls}
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
) AS calls
GROUP BY GROUPING SETS ((bucket, feature), (bucket, customer), (bucket, model))

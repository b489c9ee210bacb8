-- Known cost per hour, by feature, by customer (of those named) and by model.
-- Summed by all of them first: far fewer rows are then summed once for each.
WITH hours AS (
    SELECT
        date_trunc('hour', occurred_at) AS bucket,
        feature,
        CASE WHEN customer IN (SELECT unnest(CAST($customers AS VARCHAR[]))) THEN customer END AS customer,
        model,
        sum(cost) AS cost
    FROM cost_lines
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
    sum(cost) AS cost
FROM hours
GROUP BY GROUPING SETS ((bucket, feature), (bucket, customer), (bucket, model))

-- Known cost per hour, by feature, by customer (of those named) and by model.
SELECT
    date_trunc('hour', occurred_at) AS bucket,
    GROUPING(feature) AS without_feature,
    GROUPING(customer) AS without_customer,
    feature,
    customer,
    model,
    sum(cost) AS cost
FROM (
    SELECT * REPLACE (CASE WHEN customer IN (SELECT unnest(CAST($customers AS VARCHAR[]))) THEN customer END AS customer)
    FROM cost_lines
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {filters}
) AS costs
GROUP BY GROUPING SETS ((bucket, feature), (bucket, customer), (bucket, model))

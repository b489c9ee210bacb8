-- Known cost per day, by feature, by customer (of those named) and by model.
SELECT
    day AS bucket,
    GROUPING(feature) AS without_feature,
    GROUPING(customer) AS without_customer,
    feature,
    customer,
    model,
    sum(cost) AS cost
FROM (
    SELECT * REPLACE (CASE WHEN customer IN (SELECT unnest(CAST($customers AS VARCHAR[]))) THEN customer END AS customer)
    FROM {costs}
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
) AS costs
GROUP BY GROUPING SETS ((bucket, feature), (bucket, customer), (bucket, model))

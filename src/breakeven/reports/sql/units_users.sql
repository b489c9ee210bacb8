-- Active users and what their calls cost, by feature and customer (a user without a customer counts alone), and over all features.
-- `level` is 0 for a feature, 2 for all.
WITH used AS (
    SELECT feature, coalesce(customer, user_id) AS cluster, user_id, sum(cost) AS cost
    FROM cost_lines
    WHERE
        occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) AND user_id IS NOT NULL {recorded} {filters}
    GROUP BY ALL
)

SELECT GROUPING(feature, cluster) AS level, feature, cluster, count(DISTINCT user_id) AS users, sum(cost) AS cost
FROM used
GROUP BY GROUPING SETS ((feature, cluster), (cluster))

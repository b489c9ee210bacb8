-- The cost lines of a period: how many, the sum of what is known, and how many have no known cost; as the price versions have it.
SELECT
    price_version,
    CAST(count(*) AS BIGINT) AS lines,
    coalesce(sum(cost), 0) AS cost,
    CAST(count(*) FILTER (WHERE cost IS NULL) AS BIGINT) AS unknown
FROM cost_lines
WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded}
GROUP BY price_version
ORDER BY price_version

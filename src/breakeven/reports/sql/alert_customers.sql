-- Customers whose known cost over some features (none named: all) has come near a line.
WITH costs AS (
    SELECT customer, sum(cost) AS cost
    FROM rollup_costs
    WHERE
        customer IS NOT NULL AND day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
        AND (len(CAST($features AS VARCHAR[])) = 0 OR feature IN (SELECT unnest(CAST($features AS VARCHAR[]))))
        AND (len(CAST($customers AS VARCHAR[])) = 0 OR customer IN (SELECT unnest(CAST($customers AS VARCHAR[]))))
    GROUP BY customer
    HAVING sum(cost) >= CAST($line AS DECIMAL(38, 18))
),

counts AS (
    SELECT
        customer,
        CAST(sum(call_count) AS BIGINT) AS calls,
        CAST(coalesce(sum(call_count) FILTER (WHERE state IN ('unpriced', 'usage_missing')), 0) AS BIGINT) AS unknown_calls
    FROM rollup_calls
    WHERE
        customer IN (SELECT customer FROM costs) AND day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
        AND (len(CAST($features AS VARCHAR[])) = 0 OR feature IN (SELECT unnest(CAST($features AS VARCHAR[]))))
    GROUP BY customer
)

SELECT costs.customer, costs.cost, coalesce(counts.calls, 0) AS calls, coalesce(counts.unknown_calls, 0) AS unknown_calls
FROM costs LEFT JOIN counts ON costs.customer = counts.customer
ORDER BY costs.cost DESC, costs.customer
LIMIT 10000

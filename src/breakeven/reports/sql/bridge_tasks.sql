-- Outcomes by feature and plan.
WITH plans AS (
    SELECT customer, arg_max(plan, recorded_at) AS plan
    FROM customers
    WHERE customer IS NOT NULL {recorded}
    GROUP BY customer
),

delivered AS (
    SELECT feature, customer, quantity
    FROM {outcomes} AS outcomes
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
)

SELECT feature, plan, CAST(sum(quantity) AS BIGINT) AS tasks
FROM delivered LEFT JOIN plans USING (customer)
GROUP BY ALL

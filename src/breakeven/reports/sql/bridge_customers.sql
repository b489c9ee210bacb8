-- Active customers: in all, by plan, by feature and plan. `level` is 3 for all, 2 for a plan, 0 for a feature and plan.
WITH plans AS (
    SELECT customer, arg_max(plan, recorded_at) AS plan
    FROM customers
    WHERE customer IS NOT NULL {recorded}
    GROUP BY customer
),

active AS (
    SELECT DISTINCT feature, customer
    FROM {calls} AS calls
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND customer IS NOT NULL {filters}
)

SELECT GROUPING(feature, plan) AS level, feature, plan, count(DISTINCT customer) AS customers
FROM active LEFT JOIN plans USING (customer)
GROUP BY GROUPING SETS ((), (plan), (feature, plan))

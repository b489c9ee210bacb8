-- What every usage class was billed: quantity, cost at list prices, and cost after discounts, by who was served by what.
-- Unknown costs add nothing; what was not billed is no price of 0.
WITH plans AS (
    SELECT customer, arg_max(plan, recorded_at) AS plan
    FROM customers
    WHERE customer IS NOT NULL {recorded}
    GROUP BY customer
),

used AS (
    SELECT feature, customer, provider, model, rung, usage_class, kind, quantity, cost
    FROM {costs} AS costs
    WHERE
        day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
        AND cost IS NOT NULL AND state <> 'not_billed' {filters}
)

SELECT
    feature, plan, provider, model, rung, usage_class,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind IN ('list', 'stated')), 0) AS HUGEINT) AS quantity,
    coalesce(sum(cost) FILTER (WHERE kind IN ('list', 'stated')), 0) AS listed,
    sum(cost) AS cost
FROM used LEFT JOIN plans USING (customer)
GROUP BY ALL

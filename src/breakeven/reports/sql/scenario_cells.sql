-- What each usage class cost and how many units of it were billed, per group: prices and quantities for indices and moves.
-- A cost that the vendor stated for a whole call has no class and no quantity.
SELECT
    {keys},
    coalesce(usage_class, 'whole call') AS class_or_call,
    sum(cost) AS cost,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind IN ('list', 'stated')), 0) AS HUGEINT) AS quantity
FROM {costs} AS costs
WHERE
    day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
    AND cost IS NOT NULL AND state <> 'not_billed' {filters}
GROUP BY ALL

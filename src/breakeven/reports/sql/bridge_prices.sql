-- What a usage class of a model cost on each day, at list prices and after discounts: since when it costs what it costs.
SELECT
    day,
    sum(cost) AS cost,
    coalesce(sum(cost) FILTER (WHERE kind IN ('list', 'stated')), 0) AS listed,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind IN ('list', 'stated')), 0) AS HUGEINT) AS quantity
FROM {costs} AS costs
WHERE
    day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
    AND cost IS NOT NULL AND state <> 'not_billed'
    AND provider IS NOT DISTINCT FROM CAST($sku_provider AS VARCHAR)
    AND model IS NOT DISTINCT FROM CAST($sku_model AS VARCHAR)
    AND usage_class IS NOT DISTINCT FROM CAST($sku_class AS VARCHAR) {filters}
GROUP BY day
HAVING sum(quantity) FILTER (WHERE kind IN ('list', 'stated')) > 0
ORDER BY day

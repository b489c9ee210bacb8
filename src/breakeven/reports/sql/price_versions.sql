-- Which price versions the costs of the period rest on, and metered tokens with and without a price.
SELECT
    price_version,
    CAST(coalesce(sum(quantity) FILTER (WHERE kind IN ('list', 'stated') AND cost IS NOT NULL), 0) AS HUGEINT) AS priced_quantity,
    CAST(coalesce(sum(quantity) FILTER (WHERE state = 'unpriced'), 0) AS HUGEINT) AS unpriced_quantity
FROM {costs} AS costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY price_version
HAVING sum(line_count) > 0
ORDER BY price_version

-- Daily cost per group and SKU of the models named, and (with a day of NULL) the whole recent cost of each group.
SELECT {keys}, day, provider, model, usage_class, sum(cost) AS cost
FROM {costs} AS costs
WHERE
    day >= CAST($start AS DATE) AND day < CAST($end AS DATE)
    AND concat(provider, '/', model) IN (SELECT unnest(CAST($models AS VARCHAR[]))) {filters}
GROUP BY ALL
UNION ALL
SELECT {keys}, NULL, NULL, NULL, NULL, sum(cost)
FROM {costs} AS costs
WHERE day >= CAST($recent AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL

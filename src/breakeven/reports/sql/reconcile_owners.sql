-- Who caused the cost that an invoice adjusts: adjustments are shared out in proportion to it.
SELECT provider, coalesce(model, '') AS model, usage_class, cost_class, feature, team, workflow, environment, sum(cost) AS cost
FROM rollup_costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND kind NOT LIKE 'invoice:%'
    AND provider IN (SELECT unnest(CAST($providers AS VARCHAR[])))
GROUP BY ALL
HAVING sum(cost) > 0
ORDER BY ALL

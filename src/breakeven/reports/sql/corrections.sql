-- What was booked at the beginning of a month because the period that it concerns was closed, by that period. Lines of earlier
-- versions do not say which one it was. The reason of others ends with `of 2026-10, correction of a closed period`.
SELECT
    CASE WHEN reason LIKE '%of ____-__, correction of a closed period' THEN substr(reason, length(reason) - 37, 7) END AS month,
    CAST(occurred_at AS DATE) AS booked,
    coalesce(sum(cost), 0) AS cost
FROM cost_lines
WHERE occurred_at >= CAST($start AS TIMESTAMP) AND date_trunc('month', occurred_at) = occurred_at
    AND reason LIKE '%correction of a closed period' {filters} {recorded}
GROUP BY ALL
HAVING sum(cost) <> 0
ORDER BY ALL

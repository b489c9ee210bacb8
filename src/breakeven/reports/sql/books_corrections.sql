-- What was booked in these days because the period that it concerns is closed.
SELECT coalesce(sum(cost), 0) AS cost
FROM cost_lines
WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    AND reason LIKE '%correction of a closed period' {filters} {recorded}

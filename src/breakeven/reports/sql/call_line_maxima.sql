-- The most that a line of each number costs.
SELECT line, max(cost) AS dearest
FROM cost_lines
WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) AND cost > 0 {line_conditions}
GROUP BY line

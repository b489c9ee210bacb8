-- What was posted to make these vendors' days tie, and not taken back since, wherever it was booked.
SELECT coalesce(sum(cost), 0) AS cost
FROM cost_lines
WHERE kind LIKE 'invoice:%' AND provider IN (SELECT unnest(CAST($providers AS VARCHAR[])))
    AND price_version IN (
        SELECT concat('invoice:', left(invoice_digest, 16)) FROM reconciliations
        WHERE day >= CAST($start AS TIMESTAMP) AND day < CAST($end AS TIMESTAMP)
    )

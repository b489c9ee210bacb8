-- Every cost line of one call, adjustments included.
SELECT attempt, line, part, provider, model, usage_class, kind, quantity, unit_price, cost, state, price_version, cost_class, adjustment_of, reason, recorded_at, occurred_at
FROM cost_lines
WHERE call_id = CAST($call_id AS UUID) {recorded}
ORDER BY attempt, line

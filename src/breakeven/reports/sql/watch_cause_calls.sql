-- What the span of a finding and the same span of earlier weeks used: calls and attempts by model.
SELECT
    len(list_filter(CAST($starts AS TIMESTAMP[]), lambda edge: edge <= occurred_at)) = len(CAST($starts AS TIMESTAMP[])) AS now,
    model,
    CAST(sum(call_count) AS BIGINT) AS attempts,
    CAST(coalesce(sum(call_count) FILTER (WHERE attempt = 0), 0) AS BIGINT) AS calls
FROM calls
WHERE
    TRUE
    AND len(list_filter(CAST($starts AS TIMESTAMP[]), lambda edge: edge <= occurred_at))
        > len(list_filter(CAST($ends AS TIMESTAMP[]), lambda edge: edge <= occurred_at))
    AND occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {filters}
GROUP BY ALL

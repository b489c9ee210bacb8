-- The first and last day of any usage or outcome, and the last instant at which a call was recorded.
SELECT min(first_day) AS first_day, max(last_day) AS last_day
FROM (
    SELECT min(day) AS first_day, max(day) AS last_day FROM rollup_calls
    UNION ALL
    SELECT min(CAST(occurred_at AS DATE)), max(CAST(occurred_at AS DATE)) FROM outcomes
) AS spans

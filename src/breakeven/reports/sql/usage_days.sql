-- The first and the last day with usage.
SELECT min(day) AS first_day, max(day) AS last_day FROM rollup_calls

-- The latest day with usage, for the default period.
SELECT max(day) AS day FROM rollup_calls

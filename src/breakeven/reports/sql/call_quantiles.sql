-- What half, nine in ten and 99 in a hundred of the attempts with a known cost cost at most.
SELECT quantile_disc(cost, 0.5) AS p50, quantile_disc(cost, 0.9) AS p90, quantile_disc(cost, 0.99) AS p99
FROM ({list}) AS listed
WHERE cost IS NOT NULL

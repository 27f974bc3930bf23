SELECT staged.*, (
team = 'LAL'
) AS _where_0, (
points > 1 -- scored
) AS _where_1 FROM staged

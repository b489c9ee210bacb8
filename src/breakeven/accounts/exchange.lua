-- One exchange of a worker: `state.exchanged`, for every entry, at once. An account is a hash: s:<slice> spent, o:<ledger>:<slice> known besides, l:<lease> "held spent seen number".
local BASE = 1e15
local function num(text)
  if not text or text == '' then return {0, 0} end
  return {tonumber(string.sub(text, 1, -16)) or 0, tonumber(string.sub(text, -15)) or 0}
end
local function text(a)
  if a[1] == 0 then return string.format('%.0f', a[2]) end
  return string.format('%.0f%015.0f', a[1], a[2])
end
local function add(a, b)
  local low, high = a[2] + b[2], a[1] + b[1]
  if low >= BASE then low = low - BASE; high = high + 1 end
  return {high, low}
end
local function less(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end
local function sub(a, b)
  if less(a, b) then return {0, 0} end
  local low, high = a[2] - b[2], a[1] - b[1]
  if low < 0 then low = low + BASE; high = high - 1 end
  return {high, low}
end
local function part(a, n)
  local high = math.floor(a[1] / n)
  return {high, math.floor(((a[1] - high * n) * BASE + a[2]) / n)}
end
local function lowest(a, b) if less(a, b) then return a end return b end
local function lease_of(value)
  local held, spent, seen, number = string.match(value, '^(%d+) (%d+) ([%d.]+) (%d+)$')
  return {num(held), num(spent), tonumber(seen), tonumber(number)}
end
local function lease_text(l) return text(l[1])..' '..text(l[2])..' '..string.format('%.3f', l[3])..' '..string.format('%.0f', l[4]) end

local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local prefix, worker = ARGV[1], ARGV[2]
local share, silent, remembered, slices, kept = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
redis.call('SET', prefix..':generation', ARGV[9], 'NX')
redis.call('SET', prefix..':begun', time[1]..'.'..string.format('%06d', tonumber(time[2])), 'NX')
local generation = redis.call('GET', prefix..':generation')
if ARGV[8] ~= '' and ARGV[8] ~= generation then return {generation} end
local answers, denied = {generation}, false
for at = 10, #ARGV, 11 do
  local key, id, number = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local limit, told, held = num(ARGV[at + 3]), num(ARGV[at + 4]), num(ARGV[at + 5])
  local need, want = num(ARGV[at + 6]), num(ARGV[at + 7])
  local slice, since = tonumber(string.match(ARGV[at + 8], '^(%-?%d+)')), tonumber(string.match(ARGV[at + 8], ' (%-?%d+)$'))
  local ready, in_flight = string.sub(ARGV[at + 9], 1, 1) == '1', string.sub(ARGV[at + 9], 2, 2) == '1'
  local expires = tonumber(ARGV[at + 10])
  local name = prefix..':account:'..key
  local fields = redis.call('HGETALL', name)
  local spent_in, outside, leases = {}, {0, 0}, {}
  local lease, exists = {{0, 0}, {0, 0}, 0, 0}, false
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    local kind = string.sub(field, 1, 2)
    if kind == 's:' then spent_in[tonumber(string.sub(field, 3))] = num(value)
    elseif kind == 'o:' then
      if tonumber(string.match(field, ':(%-?%d+)$')) >= since then outside = add(outside, num(value)) end
    elseif string.sub(field, 3) == id then lease = lease_of(value); exists = true
    else leases[string.sub(field, 3)] = lease_of(value) end
  end
  local stale = exists and number <= lease[4]
  local others = {0, 0}
  for other, found in pairs(leases) do
    local quiet = now - found[3]
    if not stale and quiet > silent then
      if less({0, 0}, found[1]) then
        if not in_flight then
          spent_in[slice] = add(spent_in[slice] or {0, 0}, found[1])
          redis.call('HSET', name, 's:'..string.format('%.0f', slice), text(spent_in[slice]))
          found[2] = add(found[2], found[1])
        end
        found[1] = {0, 0}; found[3] = now
        redis.call('HSET', name, 'l:'..other, lease_text(found))
      elseif quiet > remembered then redis.call('HDEL', name, 'l:'..other) end
    end
    others = add(others, found[1])
  end
  if not stale then
    if not in_flight and less(lease[2], told) then
      spent_in[slice] = add(spent_in[slice] or {0, 0}, sub(told, lease[2]))
      redis.call('HSET', name, 's:'..string.format('%.0f', slice), text(spent_in[slice]))
    end
    if since ~= 0 then
      for number_of, _ in pairs(spent_in) do
        if number_of < since - slices then
          redis.call('HDEL', name, 's:'..string.format('%.0f', number_of)); spent_in[number_of] = nil
        end
      end
    end
  end
  local spent = outside
  for number_of, amount in pairs(spent_in) do if number_of >= since then spent = add(spent, amount) end end
  if stale then
    others = add(others, lease[1])
    answers[#answers + 1] = {'0', text(spent), text(others), 0, ''}
  else
    local identity = string.match(key, '^[^\31]*')
    local opening = not ready and redis.call('SISMEMBER', prefix..':opened', identity) == 0
    local granted, frees = {0, 0}, ''
    local taken = add(add(spent, others), held)
    if less({0, 0}, need) and not opening then
      if not less(limit, add(taken, need)) then
        granted = lowest(want, part(sub(limit, taken), share))
        if less(granted, need) then granted = need end
      else
        denied = true
        local numbers = {}
        for number_of, _ in pairs(spent_in) do if number_of >= since then numbers[#numbers + 1] = number_of end end
        table.sort(numbers)
        local freed, shortage = {0, 0}, sub(add(taken, need), limit)
        for _, number_of in ipairs(numbers) do
          freed = add(freed, spent_in[number_of])
          if not less(freed, shortage) then frees = string.format('%.0f', number_of); break end
        end
      end
    elseif less({0, 0}, need) then denied = true end
    if less(told, lease[2]) then told = lease[2] end
    lease = {add(held, granted), told, now, number}
    redis.call('HSET', name, 'l:'..id, lease_text(lease))
    if expires then redis.call('EXPIREAT', name, string.format('%.0f', expires + kept)) end
    answers[#answers + 1] = {text(granted), text(spent), text(add(add(others, held), granted)), opening and 1 or 0, frees}
  end
end
redis.call('SADD', prefix..':workers', worker)
if denied then redis.call('INCR', prefix..':denials') end
return answers

# pragma version ~=0.4.0
"""
Stands in for the places that list pools: Convex's Booster, Curve's registry, Yearn's registry, Balancer's vault and
factory of gauges, SushiSwap's factory and both of its MasterChefs, and Lido's queue of withdrawals.
"""

struct Request:
    amount: uint256
    shares: uint256
    owner: address
    timestamp: uint256
    is_finalized: bool
    is_claimed: bool

struct Pool:
    lptoken: address
    token: address
    gauge: address
    rewards: address

pools: DynArray[Pool, 50]
of_lp: HashMap[address, address]
coins: HashMap[address, address[8]]
balances: HashMap[address, uint256[8]]
vault_tokens: DynArray[address, 20]
vault_list: HashMap[address, DynArray[address, 10]]
contents: HashMap[bytes32, DynArray[address, 8]]
amounts: HashMap[bytes32, DynArray[uint256, 8]]
pool_of: HashMap[bytes32, address]
getPoolGauge: public(HashMap[address, address])
isGaugeFromFactory: public(HashMap[address, bool])
pairs: DynArray[address, 20]
getPair: public(HashMap[address, HashMap[address, address]])
staked: HashMap[uint256, HashMap[address, uint256]]
pending: HashMap[uint256, HashMap[address, uint256]]
requests: HashMap[address, DynArray[uint256, 10]]
request: HashMap[uint256, Request]

@external
def add_curve(pool: Pool, at: address, coins: address[8], balances: uint256[8]):
    self.pools.append(pool)
    self.of_lp[pool.lptoken] = at
    self.coins[at] = coins
    self.balances[at] = balances

@external
def add_vault(token: address, vault: address):
    self.vault_tokens.append(token)
    self.vault_list[token].append(vault)

@external
def add_balancer(pool_id: bytes32, pool: address, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    self.pool_of[pool_id] = pool
    self.contents[pool_id] = tokens
    self.amounts[pool_id] = amounts

@external
def add_gauge(gauge: address):
    self.isGaugeFromFactory[gauge] = True

@external
def tell_gauge(pool: address, gauge: address):
    self.getPoolGauge[pool] = gauge

@external
def make_pair(token0: address, token1: address, pair: address):
    self.getPair[token0][token1] = pair
    self.getPair[token1][token0] = pair

@external
def add_pair(pair: address, owner: address, staked: uint256, pending: uint256):
    number: uint256 = len(self.pairs)
    self.pairs.append(pair)
    self.staked[number][owner] = staked
    self.pending[number][owner] = pending

@external
def add_request(owner: address, number: uint256, amount: uint256):
    self.requests[owner].append(number)
    self.request[number] = Request(
        amount=amount, shares=amount, owner=owner, timestamp=0, is_finalized=False, is_claimed=False
    )

@external
@view
def poolLength() -> uint256:
    return max(len(self.pools), len(self.pairs))

@external
@view
def poolInfo(number: uint256) -> (address, address, address, address, address, bool):
    if len(self.pairs) > 0:
        return self.pairs[number], empty(address), empty(address), empty(address), empty(address), False
    p: Pool = self.pools[number]
    return p.lptoken, p.token, p.gauge, p.rewards, empty(address), False

@external
@view
def lpToken(number: uint256) -> address:
    return self.pairs[number]

@external
@view
def getPool(pool_id: bytes32) -> (address, uint8):
    assert self.pool_of[pool_id] != empty(address)
    return self.pool_of[pool_id], 0

@external
@view
def get_pool_from_lp_token(token: address) -> address:
    return self.of_lp[token]

@external
@view
def get_coins(pool: address) -> address[8]:
    return self.coins[pool]

@external
@view
def get_balances(pool: address) -> uint256[8]:
    return self.balances[pool]

@external
@view
def numTokens() -> uint256:
    return len(self.vault_tokens)

@external
@view
def tokens(number: uint256) -> address:
    return self.vault_tokens[number]

@external
@view
def numVaults(token: address) -> uint256:
    return len(self.vault_list[token])

@external
@view
def vaults(token: address, number: uint256) -> address:
    return self.vault_list[token][number]

@external
@view
def getPoolTokens(pool_id: bytes32) -> (DynArray[address, 8], DynArray[uint256, 8], uint256):
    return self.contents[pool_id], self.amounts[pool_id], 0

@external
@view
def userInfo(number: uint256, owner: address) -> (uint256, uint256):
    return self.staked[number][owner], 0

@external
@view
def pendingSushi(number: uint256, owner: address) -> uint256:
    return self.pending[number][owner]

@external
@view
def getWithdrawalRequests(owner: address) -> DynArray[uint256, 10]:
    return self.requests[owner]

@external
@view
def getWithdrawalStatus(numbers: DynArray[uint256, 10]) -> DynArray[Request, 10]:
    found: DynArray[Request, 10] = []
    for number: uint256 in numbers:
        found.append(self.request[number])
    return found

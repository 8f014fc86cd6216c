# pragma version ~=0.4.0
"""
An ERC-20 token that anybody may mint, and that may also be what its holders stand for elsewhere: a vault, a wrapper, a
share of a pool, a market. What it answers beside its balances is set by the test.
"""

symbol: public(String[32])
decimals: public(uint8)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])

struct Owed:
    token: address
    amount: uint256

# Lido's wrapper, Rocket Pool's token: how much of the coin one unit is worth, in 18 decimals
rate: public(uint256)
# Yearn's vault
token: public(address)
pricePerShare: public(uint256)
# Compound V2's market
underlying: public(address)
debts: HashMap[address, uint256]
# A pair of SushiSwap
token0: public(address)
token1: public(address)
reserve0: uint112
reserve1: uint112
# A pool of Balancer
getPoolId: public(bytes32)
# A pool of rewards of Convex, and the locker of its token
earned: public(HashMap[address, uint256])
lockedBalanceOf: public(HashMap[address, uint256])
extra: DynArray[address, 8]
rewardToken: public(address)
rewardPool: public(address)
locker_token: address
locker_owed: HashMap[address, uint256]
# Convex's own token
reductionPerCliff: public(uint256)
totalCliffs: public(uint256)
maxSupply: public(uint256)
# A receipt of Aave
getIncentivesController: public(address)
# A gauge
lp_token: public(address)
claimable_tokens: public(HashMap[address, uint256])
reward_tokens: public(HashMap[uint256, address])
claimable_reward: public(HashMap[address, HashMap[address, uint256]])

@external
def set_facts(symbol: String[32], decimals: uint8):
    self.symbol = symbol
    self.decimals = decimals

@external
def mint(owner: address, amount: uint256):
    self.balanceOf[owner] += amount
    self.totalSupply += amount

@external
def burn(owner: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.totalSupply -= amount

@external
def set_rate(rate: uint256):
    self.rate = rate

@external
def set_vault(token: address, price: uint256):
    self.token = token
    self.pricePerShare = price

@external
def set_market(underlying: address, owner: address, debt: uint256):
    self.underlying = underlying
    self.debts[owner] = debt

@external
def set_pair(token0: address, token1: address, reserve0: uint112, reserve1: uint112):
    self.token0 = token0
    self.token1 = token1
    self.reserve0 = reserve0
    self.reserve1 = reserve1

@external
def set_pool_id(pool_id: bytes32):
    self.getPoolId = pool_id

@external
def set_earned(owner: address, amount: uint256):
    self.earned[owner] = amount

@external
def set_locked(owner: address, amount: uint256):
    self.lockedBalanceOf[owner] = amount

@external
def add_extra(pool: address):
    self.extra.append(pool)

@external
def set_reward(token: address, pool: address, inner: address):
    self.rewardToken = token
    self.rewardPool = pool
    self.token = inner

@external
def set_claimable(token: address, owner: address, amount: uint256):
    self.locker_token = token
    self.locker_owed[owner] = amount

@external
def set_cliffs(each: uint256, count: uint256, most: uint256):
    self.reductionPerCliff = each
    self.totalCliffs = count
    self.maxSupply = most

@external
def set_incentives(controller: address):
    self.getIncentivesController = controller

@external
def set_gauge(shares: address, owner: address, earned: uint256, token: address, extra: uint256):
    self.lp_token = shares
    self.claimable_tokens[owner] = earned
    self.reward_tokens[0] = token
    self.claimable_reward[owner][token] = extra

@external
@view
def extraRewardsLength() -> uint256:
    return len(self.extra)

@external
@view
def extraRewards(number: uint256) -> address:
    return self.extra[number]

@external
@view
def claimableRewards(owner: address) -> DynArray[Owed, 4]:
    return [Owed(token=self.locker_token, amount=self.locker_owed[owner])]

@external
@view
def getStETHByWstETH(amount: uint256) -> uint256:
    return amount * self.rate // 10**18

@external
@view
def getEthValue(amount: uint256) -> uint256:
    return amount * self.rate // 10**18

@external
@view
def getAccountSnapshot(owner: address) -> (uint256, uint256, uint256, uint256):
    return 0, self.balanceOf[owner], self.debts[owner], self.rate

@external
@view
def getReserves() -> (uint112, uint112, uint32):
    return self.reserve0, self.reserve1, 0

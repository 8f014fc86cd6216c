# pragma version ~=0.4.0
"""
Stands in for Aave V3 (provider, pool, data provider and controller of incentives in one), for Compound's Comptroller,
for a Comet, and for the contract that pays the rewards of Comets.
"""

struct Asset:
    offset: uint8
    asset: address
    price_feed: address
    scale: uint64
    borrow_factor: uint64
    liquidate_factor: uint64
    liquidation_factor: uint64
    supply_cap: uint128

reserves: DynArray[address, 20]
receipts: HashMap[address, address]
debt_tokens: HashMap[address, address]
supplied: HashMap[address, HashMap[address, uint256]]
owed: HashMap[address, HashMap[address, uint256]]
markets: DynArray[address, 20]
is_broken: bool

# Rewards: of Aave by asset, of Compound V2 by owner, of Comets by Comet
incentives: HashMap[address, HashMap[address, uint256]]
incentive_token: address
are_rewards_broken: bool
compAccrued: public(HashMap[address, uint256])
getCompAddress: public(address)
comet_rewards: HashMap[address, HashMap[address, uint256]]
comet_reward_token: HashMap[address, address]

# A Comet
baseToken: public(address)
balanceOf: public(HashMap[address, uint256])
borrowBalanceOf: public(HashMap[address, uint256])
assets: DynArray[address, 10]
collateral: HashMap[address, HashMap[address, uint128]]

@external
def add_reserve(asset: address, receipt: address, debt_token: address):
    self.reserves.append(asset)
    self.receipts[asset] = receipt
    self.debt_tokens[asset] = debt_token

@external
def set_user(asset: address, owner: address, supplied: uint256, owed: uint256):
    self.supplied[asset][owner] = supplied
    self.owed[asset][owner] = owed

@external
def break_or_repair():
    self.is_broken = not self.is_broken

@external
def set_incentive(asset: address, token: address, owner: address, amount: uint256):
    self.incentives[asset][owner] = amount
    self.incentive_token = token

@external
def break_or_repair_rewards():
    self.are_rewards_broken = not self.are_rewards_broken

@external
def set_accrued(token: address, owner: address, amount: uint256):
    self.getCompAddress = token
    self.compAccrued[owner] = amount

@external
def set_comet_reward(comet: address, token: address, owner: address, amount: uint256):
    self.comet_reward_token[comet] = token
    self.comet_rewards[comet][owner] = amount

@external
def add_market(market: address):
    self.markets.append(market)

@external
def set_comet(token: address, asset: address):
    self.baseToken = token
    self.assets.append(asset)

@external
def set_comet_user(owner: address, supplied: uint256, owed: uint256, collateral: uint128):
    self.balanceOf[owner] = supplied
    self.borrowBalanceOf[owner] = owed
    self.collateral[owner][self.assets[0]] = collateral

@external
@view
def getPool() -> address:
    assert not self.is_broken
    return self

@external
@view
def getPoolDataProvider() -> address:
    return self

@external
@view
def getReservesList() -> DynArray[address, 20]:
    return self.reserves

@external
@view
def getUserReserveData(asset: address, owner: address) -> (
    uint256, uint256, uint256, uint256, uint256, uint256, uint256, uint40, bool
):
    return self.supplied[asset][owner], 0, self.owed[asset][owner], 0, 0, 0, 0, 0, True

@external
@view
def getReserveTokensAddresses(asset: address) -> (address, address, address):
    return self.receipts[asset], empty(address), self.debt_tokens[asset]

@external
@view
def getAllUserRewards(assets: DynArray[address, 20], owner: address) -> (DynArray[address, 4], DynArray[uint256, 4]):
    assert not self.are_rewards_broken
    total: uint256 = 0
    for asset: address in assets:
        total += self.incentives[asset][owner]
    return [self.incentive_token], [total]

@external
@view
def rewardConfig(comet: address) -> (address, uint64, bool):
    return self.comet_reward_token[comet], 1, True

@external
@view
def getRewardOwed(comet: address, owner: address) -> (address, uint256):
    assert self.comet_reward_token[comet] != empty(address)
    return self.comet_reward_token[comet], self.comet_rewards[comet][owner]

@external
@view
def getAllMarkets() -> DynArray[address, 20]:
    return self.markets

@external
@view
def numAssets() -> uint8:
    return convert(len(self.assets), uint8)

@external
@view
def getAssetInfo(number: uint8) -> Asset:
    found: Asset = empty(Asset)
    found.asset = self.assets[convert(number, uint256)]
    return found

@external
@view
def userCollateral(owner: address, asset: address) -> (uint128, uint128):
    return self.collateral[owner][asset], 0

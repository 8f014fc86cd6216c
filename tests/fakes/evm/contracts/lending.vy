# pragma version ~=0.4.0
"""
Stands in for Aave V3 (provider, pool and data provider in one), for Compound's Comptroller, and for a Comet.
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

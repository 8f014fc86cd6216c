# pragma version ~=0.4.0
"""
Stands in for Multicall3: many reads in one, each allowed to fail.
"""

struct Read:
    target: address
    allow_failure: bool
    data: Bytes[1024]

struct Answer:
    success: bool
    data: Bytes[4096]

@external
@payable
def aggregate3(reads: DynArray[Read, 500]) -> DynArray[Answer, 500]:
    answers: DynArray[Answer, 500] = []
    for each: Read in reads:
        success: bool = False
        data: Bytes[4096] = b""
        success, data = raw_call(
            each.target, each.data, max_outsize=4096, is_static_call=True, revert_on_failure=False
        )
        answers.append(Answer(success=success, data=data))
    return answers

@external
@view
def getEthBalance(owner: address) -> uint256:
    return owner.balance

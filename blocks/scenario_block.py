"""What blocks that stand in for the simulated world have in common."""

from blocks.runtime import Block
from sim.world.scenario import Scenario


class ScenarioBlock(Block, abstract=True):
    """A block that knows the scenario: its sizes are settled, and its channels are ready once it has started."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario

    def dims(self):
        s = self.scenario
        several = {"N": s.user_antennas, "d": s.user_streams} if s.user_antennas > 1 else {}
        return {"M": s.antennas, "K": s.users, **several}

    def start(self):
        self.scenario.prepare()

"""What blocks that stand in for the simulated world have in common."""

from blocks.runtime import Block
from sim.world.scenario import Scenario


class ScenarioBlock(Block, abstract=True):
    """A block that knows the scenario: its M and K are settled, and its channels are ready once it has started."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario

    def dims(self):
        return {"M": self.scenario.antennas, "K": self.scenario.users}

    def start(self):
        self.scenario.prepare()

"""PHOLD on SimPy: prints events and nanoseconds."""

import random
import sys
import time

import simpy

NODES, PENDING, UNTIL_S = (int(argument) for argument in sys.argv[1:4])


class Node:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0


def token(env, nodes, draw, at):
    wait = draw.expovariate
    pick = draw.random
    while True:
        yield env.timeout(wait(1.0))
        nodes[at].count += 1
        at = int(pick() * NODES)


draw = random.Random(1)
nodes = [Node() for _ in range(NODES)]
env = simpy.Environment()
for n in range(PENDING):
    env.process(token(env, nodes, draw, n % NODES))
env.run(until=1e-12)  # every process has reached its first wait

started = time.perf_counter_ns()
env.run(until=UNTIL_S)
print(sum(node.count for node in nodes), time.perf_counter_ns() - started)

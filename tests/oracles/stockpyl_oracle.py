"""Prints, as one JSON document, what stockpyl says about its textbook instances and about grids.

    build/oracles/bin/python tests/oracles/stockpyl_oracle.py

Runs in the environment of `make oracles`; imports nothing of ours. Each family but the last is a
list of cases: parameters as stockpyl names them, and what it answers. `evaluated` are levels that
are not the best, with their costs.
"""

import json
import sys
from pathlib import Path

import numpy as np
import stockpyl
import stockpyl.ssm_serial as serial
from scipy import special, stats
from stockpyl import eoq, finite_horizon, loss_functions, newsvendor, rq, ss, wagner_whitin
from stockpyl.demand_source import DemandSource
from stockpyl.instances import load_instance
from stockpyl.policy import Policy
from stockpyl.sim import simulation
from stockpyl.supply_chain_network import SupplyChainNetwork
from stockpyl.supply_chain_node import SupplyChainNode

DRAWS = np.random.default_rng(7)
GRID = 40
TAIL = 1e-13
"""Of lead-time demand, left out by the serial algorithm; its default, 3e-5, costs five digits."""
TAILS = (
    "ltd_lower_tail_prob",
    "ltd_upper_tail_prob",
    "sum_ltd_lower_tail_prob",
    "sum_ltd_upper_tail_prob",
)


def find_nearest(array, values, sorted=False, index=None):
    """stockpyl.helpers.find_nearest as of 1.0.2, without what NumPy 2 refuses.

    That is copy=False of what has to be copied, and an array of one where a number belongs.
    """
    if isinstance(values, np.ndarray):
        return np.array([find_nearest(array, value, sorted, index) for value in values])
    known = index.get(values)
    if known is not None:
        return known
    at = int(array.searchsorted(values))
    nearer = at > 0 and (at == len(array) or values - array[at - 1] < abs(values - array[at]))
    return at - 1 if nearer else at


serial.find_nearest = find_nearest


def case(name, parameters, **answers):
    return {"name": name, "parameters": parameters, **answers}


def instances(*names):
    return [(name, load_instance(name)) for name in names]


def drawn(**ranges):
    """Draws a grid of parameters, log-uniformly between two ends."""
    return [
        (
            f"drawn {number}",
            {
                name: float(np.exp(DRAWS.uniform(np.log(low), np.log(high))))
                for name, (low, high) in ranges.items()
            },
        )
        for number in range(GRID)
    ]


def losses():
    cases = []
    for name, p in drawn(mean=(0.5, 500), sd=(0.3, 80), at=(0.3, 3)):
        mean, sd, level = p["mean"], p["sd"], p["mean"] * p["at"]
        units = round(level)
        cases.append(
            case(
                name,
                {"mean": mean, "sd": sd, "level": level, "units": units},
                normal=loss_functions.normal_loss(level, mean, sd)[0],
                normal_left=loss_functions.normal_loss(level, mean, sd)[1],
                normal_summed=loss_functions.normal_second_loss(level, mean, sd)[0],
                poisson=loss_functions.poisson_loss(units, mean)[0],
                poisson_left=loss_functions.poisson_loss(units, mean)[1],
                poisson_summed=loss_functions.poisson_second_loss(units, mean)[0],
                lognormal=loss_functions.lognormal_loss(level, np.log(mean), 0.1 + sd / 100)[0],
            )
        )
    return cases


def eoq_cases():
    names = instances("example_3_1", "problem_3_1")
    grid = drawn(fixed_cost=(1, 500), holding_cost=(0.01, 20), demand_rate=(0.1, 5000))
    cases = []
    for name, p in names + grid:
        quantity, cost = eoq.economic_order_quantity(**p)
        others = [0.5 * quantity, 1.7 * quantity]
        evaluated = [[q, eoq.economic_order_quantity(**p, order_quantity=q)[1]] for q in others]
        cases.append(case(name, p, order_quantity=quantity, cost=cost, evaluated=evaluated))
    return cases


def eoqb_cases():
    names = instances("example_3_8", "problem_3_2b")
    grid = drawn(
        fixed_cost=(1, 500),
        holding_cost=(0.01, 20),
        stockout_cost=(0.01, 200),
        demand_rate=(0.1, 5000),
    )
    solve = eoq.economic_order_quantity_with_backorders
    cases = []
    for name, p in names + grid:
        quantity, share, cost = solve(**p)
        evaluated = [
            [q, x, solve(**p, order_quantity=q, stockout_fraction=x)[2]]
            for q, x in [(0.5 * quantity, 0.0), (1.7 * quantity, 0.3), (quantity, 1.0)]
        ]
        cases.append(
            case(name, p, order_quantity=quantity, share=share, cost=cost, evaluated=evaluated)
        )
    return cases


def epq_cases():
    names = instances("problem_3_22")
    grid = drawn(
        fixed_cost=(1, 500),
        holding_cost=(0.01, 20),
        demand_rate=(0.1, 50),
        production_rate=(51, 90),
    )
    solve = eoq.economic_production_quantity
    cases = []
    for name, p in names + grid:
        quantity, cost = solve(**p)
        others = [0.5 * quantity, 1.7 * quantity]
        evaluated = [[q, solve(**p, order_quantity=q)[1]] for q in others]
        cases.append(case(name, p, order_quantity=quantity, cost=cost, evaluated=evaluated))
    return cases


def discount_cases():
    names = instances("example_3_5", "problem_3_12")
    grid = [
        (name, {**p, "breakpoints": [0, 150, 600], "unit_costs": [5.0, 4.6, 4.5]})
        for name, p in drawn(
            fixed_cost=(1, 500), holding_cost_rate=(0.01, 1), demand_rate=(0.5, 5000)
        )
    ]
    cases = []
    for name, p in names + grid:
        quantity, region, cost = eoq.economic_order_quantity_with_all_units_discounts(**p)
        cases.append(case(name, p, order_quantity=quantity, region=region, cost=cost))
    return cases


def wagner_whitin_cases():
    names = instances("example_3_9", "problem_3_27", "problem_3_29", "scmo_ww_hw_c")
    grid = []
    for name, p in drawn(fixed_cost=(1, 900), holding_cost=(0.05, 5)):
        demand = np.round(DRAWS.gamma(0.7, 100, size=12)) * (DRAWS.random(12) < 0.7)
        prices = DRAWS.uniform(1, 6, size=12)
        extra = {"num_periods": 12, "demand": demand.tolist(), "purchase_cost": prices.tolist()}
        grid.append((name, {**p, **extra}))
    cases = []
    for name, p in names + grid:
        quantities, cost, _, _ = wagner_whitin.wagner_whitin(**p)
        cases.append(
            case(name, p, order_quantities=[float(q) for q in quantities[1:]], cost=float(cost))
        )
    return cases


def jrp_cases():
    names = instances(
        "scmo_jrp_ex", "spp_jrp", "silver_jrp", "scmo_jrp_hw_1", "scmo_jrp_hw_2", "scmo_jrp_hw_3"
    )
    grid = [
        (
            name,
            {
                "shared_fixed_cost": p["shared"],
                "individual_fixed_costs": DRAWS.uniform(1, 400, size=7).tolist(),
                "holding_costs": DRAWS.uniform(0.1, 30, size=7).tolist(),
                "demand_rates": DRAWS.uniform(1, 3000, size=7).tolist(),
            },
        )
        for name, p in drawn(shared=(1, 1000))
    ]
    cases = []
    for name, p in names + grid:
        answer = eoq.joint_replenishment_problem_silver_heuristic(**p)
        keys = ("order_quantities", "cycle", "multiples", "cost")
        cases.append(case(name, p, **dict(zip(keys, answer, strict=True))))
    return cases


def newsvendor_normal_cases():
    names = instances("example_4_1", "example_4_3", "problem_4_1", "example_4_4")
    node = load_instance("example_4_1_network").nodes[0]
    network = {
        "holding_cost": node.local_holding_cost,
        "stockout_cost": node.stockout_cost,
        "demand_mean": node.demand_source.mean,
        "demand_sd": node.demand_source.standard_deviation,
    }
    grid = drawn(
        holding_cost=(0.01, 20), stockout_cost=(0.1, 200), demand_mean=(1, 500), demand_sd=(0.1, 90)
    )
    for number, (_, p) in enumerate(grid):
        p["lead_time"] = number % 6
    cases = []
    for name, p in [*names, ("example_4_1_network", network), *grid]:
        level, cost = newsvendor.newsvendor_normal(**p)
        periods = p.get("lead_time", 0) + 1
        others = [0.8 * level, level + 1.5 * p["demand_sd"], p["demand_mean"] * periods]
        evaluated = [[s, newsvendor.newsvendor_normal(**p, base_stock_level=s)[1]] for s in others]
        cases.append(case(name, p, level=level, cost=cost, evaluated=evaluated))
    return cases


def newsvendor_explicit_cases():
    names = instances("example_4_2", "problem_4_3b")
    grid = []
    for name, p in drawn(
        purchase_cost=(1, 50), demand_mean=(5, 500), demand_sd=(0.1, 40), holding_cost=(0.01, 2)
    ):
        p["revenue"] = p["purchase_cost"] * 1.6
        p["salvage_value"] = p["purchase_cost"] * 0.3
        p["stockout_cost"] = 0.4
        grid.append((name, p))
    cases = []
    for name, p in names + grid:
        level, profit = newsvendor.newsvendor_normal_explicit(**p)
        evaluated = [
            [s, newsvendor.newsvendor_normal_explicit(**p, base_stock_level=s)[1]]
            for s in [0.8 * level, 1.3 * level]
        ]
        whole = {key: value for key, value in p.items() if key != "demand_sd"}
        units, poisson_profit = newsvendor.newsvendor_poisson_explicit(**whole)
        cases.append(
            case(
                name,
                p,
                level=level,
                profit=profit,
                evaluated=evaluated,
                poisson_level=units,
                poisson_profit=poisson_profit,
            )
        )
    return cases


def newsvendor_poisson_cases():
    names = instances("problem_4_8a")
    grid = drawn(holding_cost=(0.01, 20), stockout_cost=(0.1, 200), demand_mean=(0.2, 500))
    cases = []
    for name, p in names + grid:
        level, cost = newsvendor.newsvendor_poisson(**p)
        evaluated = [
            [s, newsvendor.newsvendor_poisson(**p, base_stock_level=s)[1]]
            for s in [level - 1, level + 3, 2 * level]
        ]
        cases.append(case(name, p, level=level, cost=cost, evaluated=evaluated))
    return cases


def newsvendor_discrete_cases():
    names = instances("problem_4_7b")
    grid = []
    for name, p in drawn(holding_cost=(0.01, 20), stockout_cost=(0.1, 200)):
        weights = DRAWS.random(15) ** 3
        p["demand_pmf"] = dict(enumerate((weights / weights.sum()).tolist()))
        grid.append((name, p))
    cases = []
    for name, p in names + grid:
        level, cost = newsvendor.newsvendor_discrete(**p)
        evaluated = [
            [s, newsvendor.newsvendor_discrete(**p, base_stock_level=s)[1]]
            for s in [level - 1, level + 1, level + 4]
        ]
        cases.append(case(name, p, level=level, cost=cost, evaluated=evaluated))
    return cases


def newsvendor_lognormal_cases():
    names = instances("problem_4_8b")
    grid = drawn(holding_cost=(0.1, 20), stockout_cost=(0.1, 50), mu=(0.5, 6), sigma=(0.1, 0.9))
    cases = []
    for name, p in names + grid:
        distribution = stats.lognorm(p["sigma"], 0, np.exp(p["mu"]))
        h, b = p["holding_cost"], p["stockout_cost"]
        level, _ = newsvendor.newsvendor_continuous(h, b, distribution)
        # newsvendor_continuous integrates up to a quantile; the closed form leaves nothing out.
        evaluated = []
        for s in [level, 0.7 * level, 1.5 * level]:
            short, left = loss_functions.lognormal_loss(s, p["mu"], p["sigma"])
            evaluated.append([s, h * left + b * short])
        cases.append(case(name, p, level=level, cost=evaluated[0][1], evaluated=evaluated[1:]))
    return cases


def rq_normal_cases():
    names = instances("example_5_1", "problem_5_1", "problem_5_3")
    grid = drawn(
        holding_cost=(0.1, 5),
        stockout_cost=(1, 90),
        fixed_cost=(5, 200),
        demand_mean=(20, 900),
        demand_sd=(4, 150),
        lead_time=(0.1, 3),
    )
    cases = []
    for name, p in names + grid:
        rest = {key: value for key, value in p.items() if key != "fixed_cost"}
        pairs = {
            "eoqb": rq.r_q_eoqb_approximation(**p),
            "eoq with safety stock": rq.r_q_eoqss_approximation(**p),
            "loss function": rq.r_q_loss_function_approximation(**p),
        }
        evaluated = [[s, q, rq.r_q_cost(s, q, **p)] for s, q in pairs.values()]
        quantity = pairs["eoqb"][1] * 1.2
        level = rq.r_q_optimal_r_for_q(quantity, **rest, tol=1e-9)
        cases.append(
            case(
                name,
                p,
                evaluated=evaluated,
                for_quantity=[
                    level,
                    quantity,
                    rq.r_q_cost(level, quantity, **p),
                ],
            )
        )
    return cases


def rq_poisson_cases():
    names = instances("problem_5_2", "example_5_8")
    grid = drawn(
        holding_cost=(0.5, 20),
        stockout_cost=(5, 200),
        fixed_cost=(1, 90),
        demand_mean=(0.3, 30),
        lead_time=(0.2, 4),
    )
    cases = []
    for name, p in names + grid:
        level, quantity, cost = rq.r_q_poisson_exact(**p)
        evaluated = [
            [s, q, rq.r_q_cost_poisson(s, q, **p)]
            for s, q in [(level - 1, quantity), (level + 2, quantity + 3), (0, 1), (-2, 4)]
        ]
        cases.append(
            case(name, p, level=level, order_quantity=quantity, cost=cost, evaluated=evaluated)
        )
    return cases


def ss_poisson_cases():
    names = instances("example_4_7", "problem_4_31")
    grid = drawn(
        holding_cost=(0.5, 10), stockout_cost=(2, 90), fixed_cost=(1, 90), demand_mean=(0.3, 12)
    )
    cases = []
    for name, p in names + grid[:15]:
        low, high, cost = ss.s_s_discrete_exact(use_poisson=True, **p)
        evaluated = [
            [s, t, ss.s_s_cost_discrete(s, t, use_poisson=True, **p)]
            for s, t in [(low - 1, high), (low + 1, high + 4), (-2, 5)]
        ]
        cases.append(case(name, p, low=low, high=high, cost=cost, evaluated=evaluated))
    return cases


def ss_power_cases():
    names = instances("example_4_8", "problem_4_32")
    grid = drawn(
        holding_cost=(0.1, 10),
        stockout_cost=(1, 90),
        fixed_cost=(1, 500),
        demand_mean=(1, 500),
        demand_sd=(1, 90),
    )
    return [case(name, p, levels=ss.s_s_power_approximation(**p)) for name, p in names + grid]


def serial_parameters(network):
    """Parameters of a network, from the most upstream node to the store."""
    nodes = sorted(network.nodes, key=lambda node: -node.index)
    demand = nodes[-1].demand_source
    return {
        "echelon_holding_cost": [node.echelon_holding_cost for node in nodes],
        "lead_time": [node.lead_time for node in nodes],
        "stockout_cost": nodes[-1].stockout_cost,
        "demand_type": demand.type,
        "demand_mean": demand.mean,
        "demand_sd": demand.standard_deviation,
    }


def serial_problems():
    names = [
        *("example_6_1", "problem_6_1", "problem_6_2a", "problem_6_2b", "problem_6_16"),
        *("shang_song_1", "shang_song_9", "shang_song_17", "shang_song_25"),
    ]
    problems = [(name, serial_parameters(load_instance(name))) for name in names]
    for name in ("problem_6_2a", "problem_6_2b"):
        # The adjusted instances have no echelon costs: those of the problem, for half its period.
        p = serial_parameters(load_instance(f"{name}_adj"))
        costs = serial_parameters(load_instance(name))["echelon_holding_cost"]
        problems.append((f"{name}_adj", {**p, "echelon_holding_cost": [c / 2 for c in costs]}))
    pmf = stats.norm.pdf(np.arange(0, 13), 5, 1.5)
    probabilities = (pmf / pmf.sum()).tolist()
    lattice = {
        "echelon_holding_cost": [0.4, 0.3, 0.8],
        "lead_time": [2, 1, 1],
        "stockout_cost": 17.0,
        "demand_type": "CD",
        "probabilities": probabilities,
    }
    return [*problems, ("probabilities", lattice)]


def serial_cases():
    cases = []
    for name, p in serial_problems():
        stages = len(p["lead_time"])
        if p["demand_type"] == "CD":
            demand = DemandSource(
                type="CD",
                demand_list=list(range(len(p["probabilities"]))),
                probabilities=p["probabilities"],
            )
        else:
            demand = DemandSource(
                type=p["demand_type"],
                mean=p["demand_mean"],
                standard_deviation=p["demand_sd"],
            )
        given = {
            "num_nodes": stages,
            "echelon_holding_cost": p["echelon_holding_cost"],
            "lead_time": p["lead_time"],
            "stockout_cost": p["stockout_cost"],
            "demand_source": demand,
        }
        cases.append(case(name, p, **serial_answers(given, normal=p["demand_type"] == "N")))
    return cases


def serial_answers(given, *, normal):
    # Of normal demand, more of the tails would only make the 100 steps of its grid coarser;
    # `serial_rounded_cases` has no grid but whole units.
    tails = {} if normal else dict.fromkeys(TAILS, TAIL)
    stages = given["num_nodes"]
    order = range(stages, 0, -1)
    levels, cost = serial.optimize_base_stock_levels(**given, **tails)
    answers = {
        "levels": [float(levels[stage]) for stage in order],
        "cost": float(cost),
        "evaluated": [],
    }
    # Half a second per stage: of many normal stages the best levels have to do.
    if not normal or stages < 3:
        moved = {stage: levels[stage] + (2 if stage == stages else -1) for stage in order}
        _, moved_cost = serial.optimize_base_stock_levels(**given, **tails, S=moved)
        answers["evaluated"] = [[[float(moved[stage]) for stage in order], float(moved_cost)]]
    if given["demand_source"].type != "CD":
        heuristic = serial.newsvendor_heuristic(**given)
        answers["heuristic"] = [float(heuristic[stage]) for stage in order]
    return answers


class Rounded:
    """Normal demand, rounded to whole units, as stockpyl asks a distribution."""

    a, b = float("-inf"), float("inf")

    def __init__(self, mean, sd):
        self._mean, self._sd = mean, sd

    def mean(self):
        return self._mean

    def cdf(self, units):
        return special.ndtr((np.floor(units) + 0.5 - self._mean) / self._sd)

    def ppf(self, probability):
        return np.ceil(self._mean + self._sd * special.ndtri(probability) - 0.5)


class RoundedDemand(DemandSource):
    """A source of such demand; stockpyl takes it for whole units and makes no grid of its own."""

    def __init__(self, mean, sd):
        super().__init__(type="P", mean=mean)
        self._moments = mean, sd

    @property
    def demand_distribution(self):
        return Rounded(*self._moments)

    def lead_time_demand_distribution(self, lead_time):
        mean, sd = self._moments
        return Rounded(mean * lead_time, sd * lead_time**0.5)


FINENESS = {"example_6_1": 4, "problem_6_1": 0.5, "problem_6_2a": 1, "problem_6_16": 1}
"""Parts of a unit: about four to a standard deviation of the shortest lead time."""


def serial_rounded_cases():
    """Normal demand in units and in half of them: how the cost falls with the size of a unit."""
    cases = []
    for name, coarse in FINENESS.items():
        p = serial_parameters(load_instance(name))
        stages = len(p["lead_time"])
        order = range(stages, 0, -1)
        costs, levels = [], None
        for finer in (1, 2):
            units = coarse * finer
            given = {
                "num_nodes": stages,
                "echelon_holding_cost": [cost / units for cost in p["echelon_holding_cost"]],
                "lead_time": p["lead_time"],
                "stockout_cost": p["stockout_cost"] / units,
                "demand_source": RoundedDemand(p["demand_mean"] * units, p["demand_sd"] * units),
                **dict.fromkeys(TAILS, TAIL),
            }
            if levels is None:
                levels, _ = serial.optimize_base_stock_levels(**given)
            fixed = {stage: levels[stage] * finer for stage in order}
            costs.append(float(serial.optimize_base_stock_levels(**given, S=fixed)[1]))
        answer = [float(levels[stage]) / coarse for stage in order]
        cases.append(case(name, p, levels=answer, costs=costs))
    return cases


def horizon_cases():
    names = instances("problem_4_29", "problem_4_30")
    grid = [
        (
            name,
            {
                "num_periods": 3,
                "holding_cost": p["holding_cost"],
                "stockout_cost": p["holding_cost"] * p["ratio"],
                "terminal_holding_cost": 0.5,
                "terminal_stockout_cost": p["holding_cost"] * p["ratio"],
                "purchase_cost": 0.4,
                "fixed_cost": p["fixed_cost"],
                "demand_mean": DRAWS.uniform(8, 15, size=3).tolist(),
                "demand_sd": DRAWS.uniform(0.7, 1.5, size=3).tolist(),
                "discount_factor": 0.97,
                "initial_inventory_level": 3 * number,
            },
        )
        for number, (name, p) in enumerate(
            drawn(holding_cost=(0.2, 3), ratio=(4, 40), fixed_cost=(2, 60))[:4]
        )
    ]
    cases = []
    for name, p in names + grid:
        # Of normal demand the usual four standard deviations leave out four digits of the cost.
        low, high, cost, _, _, stock = finite_horizon.finite_horizon_dp(
            **p, d_spread=8, s_spread=10
        )
        low, high = np.array(low[1:]) - 1, np.array(high[1:]) + 2
        given = np.vstack([stock, np.where(stock <= low[:, None], high[:, None], stock)])
        _, _, other, _, _, _ = finite_horizon.finite_horizon_dp(
            **p, d_spread=8, oul_matrix=given, x_range=stock
        )
        cases.append(
            case(
                name,
                p,
                low=(low + 1).tolist(),
                high=(high - 2).tolist(),
                cost=cost,
                evaluated=[low.tolist(), high.tolist(), other],
            )
        )
    return cases


SUBTREES = {
    "rong_atan_snyder_figure_1a": (3, 4),
    "rong_atan_snyder_figure_1b": (3, 4, 5, 6, 7),
    "rong_atan_snyder_figure_1c": (3, 4, 5),
}
"""Of systems with three echelons, the stores of one warehouse."""


def two_echelon_cases():
    """Simulated: stockpyl has neither a formula nor an algorithm for them."""
    cases = []
    for name, stores in SUBTREES.items():
        nodes = load_instance(name).nodes_by_index
        means = [nodes[store].demand_source.mean for store in stores]
        sds = [nodes[store].demand_source.standard_deviation for store in stores]
        demand = np.maximum(DRAWS.normal(means, sds, size=(60, len(stores))), 0.0)
        lead_times = 2, [1 + place % 3 for place in range(len(stores))]
        levels = 1.9 * sum(means), (1.3 * np.multiply(means, lead_times[1])).tolist()
        cases.append(case(name, {"levels": levels}, **played(demand, lead_times, levels)))
    return cases


def played(demand, lead_times, levels):
    """Plays local base stock on a demand; a lead time of 1 serves the next period at stores."""
    stores = len(lead_times[1])
    network = SupplyChainNetwork()
    for index, (lead, level) in enumerate(
        zip([lead_times[0], *lead_times[1]], [levels[0], *levels[1]], strict=True)
    ):
        node = SupplyChainNode(index, network=network)
        node.shipment_lead_time = lead
        node.local_holding_cost, node.stockout_cost = (1.0, 20.0) if index else (0.5, 0.0)
        node.inventory_policy = Policy(type="BS", base_stock_level=level, node=node)
        node.initial_inventory_level = level
        if index:
            listed = demand[:, index - 1].tolist()
            node.demand_source = DemandSource(type="D", demand_list=listed)
        else:
            node.supply_type = "U"
        network.add_node(node)
    network.add_edges_from_list([(0, store + 1) for store in range(stores)])
    simulation(network, len(demand), rand_seed=1, progress_bar=False)
    nets = [
        [float(sum(state.inventory_level.values())) for state in node.state_vars[: len(demand)]]
        for node in sorted(network.nodes, key=lambda node: node.index)
    ]
    return {
        "demand": demand.tolist(),
        "warehouse_lead_time": lead_times[0],
        "store_lead_times": lead_times[1],
        "warehouse_net": nets[0],
        "store_nets": np.transpose(nets[1:]).tolist(),
    }


def instance_names():
    """All that stockpyl has."""
    known = Path(stockpyl.__file__).parent / "datasets/stockpyl_instances.json"
    return [one["name"] for one in json.loads(known.read_text())["instances"]]


FAMILIES = {
    "losses": losses,
    "eoq": eoq_cases,
    "eoqb": eoqb_cases,
    "epq": epq_cases,
    "discounts": discount_cases,
    "wagner_whitin": wagner_whitin_cases,
    "jrp": jrp_cases,
    "newsvendor_normal": newsvendor_normal_cases,
    "newsvendor_explicit": newsvendor_explicit_cases,
    "newsvendor_poisson": newsvendor_poisson_cases,
    "newsvendor_discrete": newsvendor_discrete_cases,
    "newsvendor_lognormal": newsvendor_lognormal_cases,
    "rq_normal": rq_normal_cases,
    "rq_poisson": rq_poisson_cases,
    "ss_poisson": ss_poisson_cases,
    "ss_power": ss_power_cases,
    "serial": serial_cases,
    "serial_rounded": serial_rounded_cases,
    "finite_horizon": horizon_cases,
    "two_echelon": two_echelon_cases,
    "instances": instance_names,
}

if __name__ == "__main__":
    json.dump({name: family() for name, family in FAMILIES.items()}, sys.stdout, default=float)

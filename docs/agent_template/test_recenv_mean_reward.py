from recenv.agents import make_agent
from recenv.envs import RecSysVectorEnv
from recenv.testing import check_agent


def test_it_keeps_the_contract():
    env = RecSysVectorEnv(8, world="synthetic", horizon=6)
    check_agent(make_agent("mean_reward", env.catalogue), env)

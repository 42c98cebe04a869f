import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.slates.credit import credit

VALUE = torch.tensor([[1.0, 3.0, 0.5]])
GAIN = torch.tensor([10.0])


def test_what_the_critic_does_not_explain_is_shared_out_equally():
    # 10 - (1 + 3 + 0.5) = 5.5, a third of it each
    assert_allclose(credit(VALUE, GAIN, torch.tensor([[True, True, True]])), VALUE + 5.5 / 3, rtol=1e-6)


def test_of_one_taken_item_the_credit_is_the_gain_whatever_the_critic_says():
    assert_array_equal(credit(VALUE, GAIN, torch.tensor([[False, True, False]])), [[0.0, 10.0, 0.0]])


def test_nobody_took_anything():
    assert_array_equal(credit(VALUE, GAIN, torch.tensor([[False, False, False]])), [[0.0, 0.0, 0.0]])

from recenv.causal.equations.funnel import clicked, consumed, purchased


def test_a_click_needs_examination_and_attraction_above_its_threshold(dials):
    d = dials(tau_click=0.5)
    assert clicked(True, 0.6, d)
    assert not clicked(True, 0.5, d)
    assert not clicked(False, 9.0, d)


def test_a_purchase_needs_a_click_and_its_own_threshold(dials):
    d = dials(tau_click=0.5, tau_buy=1.5)
    assert purchased(True, 1.6, d)
    assert not purchased(True, 1.5, d)
    assert not purchased(False, 9.0, d)


def test_with_the_funnel_on_only_clicked_items_are_consumed(dials):
    assert not consumed(True, False, dials(funnel=1.0))
    assert consumed(True, True, dials(funnel=1.0))


def test_with_the_funnel_off_whatever_is_shown_is_consumed(dials):
    assert consumed(True, False, dials())
    assert not consumed(False, True, dials())

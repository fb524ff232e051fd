"""Loading organisations and deciding on a closing in a real browser: accessible, by keyboard, with
progress.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext

from bench import ods_xml
from tests.support.web import Site
from tests.web.test_in_browser import CHROMIUM, Visitor, chromium, context, origin, pytestmark

__all__ = ["CHROMIUM", "chromium", "context", "origin", "pytestmark"]


def test_a_file_is_loaded_with_progress_to_be_seen(
    context: BrowserContext, site: Site, origin: str, tmp_path: Path
) -> None:
    file = tmp_path / "HSCOrgRefData_Full_20261120.xml"
    file.write_bytes(ods_xml.as_bytes(20).replace(b"HONITON", b"&lt;script&gt;alert(1)&lt;/script&gt;"))
    visitor = Visitor(context, site, origin, "manager")
    page = visitor.open("/organisation-loads")
    visitor.require_sound()
    page.get_by_role("button", name="Hand in the file").click()
    page.wait_for_selector(".nhsuk-error-summary")
    visitor.require_sound()
    page.set_input_files("input[name=file]", file)
    page.get_by_label("Every organisation").check()
    page.get_by_role("button", name="Hand in the file").click()
    page.get_by_role("progressbar").wait_for()
    visitor.require_sound()
    page.evaluate("window.notLoadedAgain = true")
    site.carry()
    page.get_by_role("button", name="Apply these changes").wait_for()
    assert page.get_by_role("img", name="Organisations by kind of change: new 20").count() == 1
    visitor.require_sound()
    visitor.require_fit()
    page.get_by_role("button", name="Apply these changes").press("Enter")
    page.get_by_text("0 of 20 changes applied.").wait_for()
    site.carry()
    page.get_by_text("This load is applied.").wait_for()
    visitor.require_sound()
    page.set_viewport_size({"width": 320, "height": 640})
    visitor.require_fit()


def test_a_closing_is_decided(context: BrowserContext, site: Site, origin: str) -> None:
    closing_id = site.closing()
    visitor = Visitor(context, site, origin, "manager")
    visitor.open("/closing-organisations")
    visitor.require_sound()
    page = visitor.open(f"/closing-organisations/{closing_id}")
    visitor.require_sound()
    visitor.require_fit()
    page.get_by_role("button", name="Confirm the decision").click()
    page.wait_for_selector(".nhsuk-error-summary")
    visitor.require_sound()
    page.get_by_label("End access on").check()
    page.get_by_role("button", name="Confirm the decision").click()
    page.get_by_text("Access to the organisation ends on its last day.").wait_for()
    visitor.require_sound()

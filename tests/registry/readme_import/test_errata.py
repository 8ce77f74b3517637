"""Known mistakes of upstream's documents; the importer must find each of them.

The numbers are those of the list of mistakes that was written when the catalog was made.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import registry
from registry.readme_import.consistency import find_differences, find_tree_issues
from registry.readme_import.diff import diff_document
from registry.readme_import.draft import ImportedDocument
from registry.readme_import.importer import import_document
from registry.readme_import.links import DocumentLocation

FILES = "https://models.example/zoo/"
GITHUB = "https://github.com/PaddlePaddle/PaddleDetection/tree/release/2.6/"


def read(text: str, path: str = "configs/zoo/README.md", release: str | None = None) -> ImportedDocument:
    return import_document(text, DocumentLocation(path, path, release=release))


def table(*columns: str, rows: list[list[str]], separator: int | None = None, heading: str = "Zoo") -> str:
    lines = [list(columns), ["---"] * (separator or len(columns)), *rows]
    return f"### {heading}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def messages(imported: ImportedDocument) -> str:
    return "\n".join(str(issue) for issue in imported.issues)


PLAIN = table(
    "Model",
    "Input Size",
    "mAP (COCO Val)",
    "Config",
    "Download",
    rows=[["Net", "192*192", "29.0", "[c](./net_192.yml)", f"[m]({FILES}net_192.pdparams)"]],
)


def test_1_a_separator_with_a_cell_too_few() -> None:
    head = ["Model", "Input Size", "AP (COCO Val)", "Time (FP32)", "Time（FP16)", "Config", "Model Weights"]
    row = [
        "PP-TinyPose",
        "128*96",
        "58.1",
        "4.57ms",
        "3.27ms",
        "[Config](./t.yml)",
        f"[M]({FILES}t.pdparams)",
    ]

    imported = read(table(*head, rows=[row], separator=len(head) - 1))

    (draft,) = imported.drafts
    assert (draft.accuracy[0].value, [time.milliseconds for time in draft.latency]) == (58.1, [4.57, 3.27])
    assert [time.precision for time in draft.latency] == ["fp32", "fp16"]
    assert "the separator has 6 cells, the head 7" in messages(imported)


class Test2:
    def test_commands_that_name_a_configuration_where_it_no_longer_is(self) -> None:
        commands = "\n```\ntrain.py -c configs/old/net_192.yml\ntrain.py -c configs/zoo/net_192.yml\n```\n"

        issues = messages(read(PLAIN + commands))

        assert "a command names configs/old/net_192.yml, the table links configs/zoo/net_192.yml" in issues
        assert issues.count("a command names") == 1

    def test_a_folder_that_is_written_and_never_read(self) -> None:
        commands = (
            "\nexport.py --output_dir=outut_inference\n\ninfer.py --model_dir=output_inference/net_192\n"
        )

        assert "writes to outut_inference, which no later command reads" in messages(read(PLAIN + commands))
        assert "writes to" not in messages(read(PLAIN + commands.replace("outut", "output")))


class Test3:
    def test_links_to_configurations_that_do_not_exist(self, tmp_path: Path) -> None:
        moved = tmp_path / "configs" / "legacy" / "net_192.yml"
        moved.parent.mkdir(parents=True)
        moved.write_text("weights: output/net_192/model_final\n")

        (issue,) = find_tree_issues(read(PLAIN), tmp_path)

        assert issue.message == "configs/zoo/net_192.yml does not exist: found at configs/legacy/net_192.yml"

    def test_the_printed_path_is_a_recorded_contradiction(self) -> None:
        config = f"[config]({GITHUB}configs/picodet/picodet_s_320_coco.yml)"
        weights = "[model](https://paddledet.bj.bcebos.com/models/picodet_s_320_coco.pdparams)"
        row = ["PicoDet-S", "320*320", "27.1", weights, config]
        columns = ("Model", "Input size", "mAP<sup>val<br>0.5:0.95", "Download", "Config")

        found = diff_document(read(table(*columns, rows=[row]), "configs/other.md"), registry.load())

        (change,) = (c for c in found.changes if c.kind == "changed")
        assert (change.entry, change.field, change.known) == ("picodet_s_320_coco@2021.10", "config", True)
        assert change.after == "configs/picodet/picodet_s_320_coco.yml"


def test_4_cells_without_a_separator_between_them() -> None:
    fused = f"[w/o postprocess]({FILES}net_640.onnx)  [model]({FILES}net_640.tar)"
    whole = table(
        "Model",
        "Input size",
        "mAP<sup>val<br>0.5:0.95",
        "Download",
        rows=[["Net-L", "640*640", "42.6", f"[m]({FILES}net_640.pdparams)"]],
    )
    deploy = table(
        "Model",
        "Input size",
        "ONNX(w/o postprocess)",
        "Paddle Lite(fp32)",
        rows=[["Net-L", "640*640", fused]],
    )

    imported = read(whole + "\n- Deploy models\n\n" + deploy)

    (draft,) = imported.drafts
    files = {file.kind: file for file in draft.artifacts}
    assert files["onnx"].url.endswith("net_640.onnx")
    assert files["onnx"].head == "raw"
    assert (files["lite"].precision, files["lite"].container) == ("fp32", "tar")
    assert any("2 linked cells are merged into one" in issue for issue in draft.issues)


def test_5_an_option_with_the_opposite_effect() -> None:
    wrong = "\n- If no NMS is required, please specify: `-o export.nms=True`\n"

    assert "the text states export.nms=True" in messages(read(PLAIN + wrong))
    assert "export.nms" not in messages(read(PLAIN + wrong.replace("True", "False")))


def test_6_two_documents_with_other_conditions_for_the_same_latencies() -> None:
    english = read(PLAIN + "\n- Latency: Intel i7 CPU with MKLDNN by 12 threads, on Paddle-Inference.\n")
    chinese = read(
        PLAIN + "\n- 时延测试：英特尔i7上测试（4线程），使用OpenVINO测试。\n", "configs/zoo/README_zh.md"
    )

    (issue,) = find_differences([english, chinese])

    assert "4 threads, OpenVINO here" in issue.message
    assert "12 threads, MKLDNN, Paddle-Inference in configs/zoo/README.md" in issue.message


def test_7_files_named_after_another_size_than_their_row() -> None:
    def row(size: str, file: str) -> list[str]:
        cells = [f"Detection：640x640<br>Keypoint：{size}", "Detection mAP：49.5<br>Keypoint AP：77.8"]
        links = f"[Detection]({FILES}yolo_r50_coco.pdparams)<br>[Keypoint]({FILES}{file}.pdparams)"
        return ["[PP-YOLO](./yolo.yml)", "[HRNet](./hrnet.yml)", *cells, links]

    columns = ("Detection Model", "Keypoint Model", "Input Size", "Accuracy of COCO", "Model Weight")
    swapped = [row("384x288", "hrnet_w32_256x192"), row("256x192", "hrnet_w32_384x288")]

    imported = read(table(*columns, rows=swapped))

    poses = [draft for draft in imported.drafts if draft.task == "keypoint_detection"]
    found = {draft.title: (draft.accuracy[0].metric, draft.accuracy[0].value) for draft in imported.drafts}
    assert found == {"PP-YOLO": ("mAP", 49.5), "HRNet": ("AP", 77.8)}
    assert [(draft.height, draft.width) for draft in poses] == [(384, 288), (256, 192)]
    assert "the name of hrnet_w32_256x192.pdparams contains 256*192, but the row states 384*288" in messages(
        imported
    )
    assert "the name of hrnet_w32_384x288.pdparams contains 384*288, but the row states 256*192" in messages(
        imported
    )
    straight = read(table(*columns, rows=[row("256x192", "hrnet_w32_256x192")]))
    assert "the name of" not in messages(straight)


class Test8:
    COLUMNS = ("Model", "Input Size", "AP (COCO Val)", "Params (M)", "Model Weights")
    WEIGHTS = "[M](https://bj.bcebos.com/v1/paddledet/models/keypoint/tinypose_128x96.pdparams)"

    def document(self, params: str, path: str = "configs/a.md") -> ImportedDocument:
        return read(
            table(*self.COLUMNS, rows=[["PP-TinyPose", "128*96", "58.1", params, self.WEIGHTS]]), path
        )

    def test_parameters_that_differ_between_documents(self) -> None:
        (issue,) = find_differences([self.document("1.32"), self.document("1.36", "configs/b.md")])

        assert "parameters (millions) is 1.36 here, 1.32 in configs/a.md" in issue.message

    def test_and_those_that_the_catalog_records(self) -> None:
        changes = diff_document(self.document("1.36"), registry.load()).changes

        (change,) = (c for c in changes if c.field == "parameters")
        assert (change.after, change.known) == ("1.36 M", True)


def test_9_times_repeated_for_another_generation() -> None:
    columns = ("Model", "Input Size", "AP (COCO Val)", "Inference Time (FP32)", "Model Weights")

    def row(ap: str, folder: str) -> list[str]:
        return ["PP-TinyPose", "256*192", ap, "14.07ms", f"[M]({FILES}{folder}tinypose_256x192.pdparams)"]

    text = table(*columns, rows=[row("68.3", "new/")]) + "\n" + table(*columns, rows=[row("68.8", "")])

    imported = read(text)

    assert [draft.accuracy[0].value for draft in imported.drafts] == [68.3, 68.8]
    assert "the latencies are those of line 5, but the files differ" in imported.drafts[1].issues[0]


def test_10_a_head_without_categories() -> None:
    english = PLAIN.replace("Net ", "PicoDet-S-Pedestrian ")

    assert "does not state the categories" in messages(read(english))
    assert "the categories" not in messages(read(english.replace("COCO Val", "COCO Val-Person")))


def test_11_one_precision_stated_for_two_columns() -> None:
    columns = ("Model", "Input Size", "AP (COCO Val)", "Time (FP32)", "Time (FP16)", "Model Weights")
    text = table(*columns, rows=[["Net", "128*96", "50", "4 ms", "3 ms", f"[M]({FILES}net.pdparams)"]])
    tips = "\n- The inference time is tested on a Snapdragon 865, with 4 threads at arm8, FP32.\n"

    assert "the text states FP32" in messages(read(text + tips))
    assert "the text states FP32" not in messages(read(text + tips.replace(", FP32", "")))


def test_12_a_weights_key_that_names_another_model(tmp_path: Path) -> None:
    config = tmp_path / "configs" / "zoo" / "net_192.yml"
    config.parent.mkdir(parents=True)
    config.write_text("epoch: 3\nweights: output/net_320/best_model\n")

    (issue,) = find_tree_issues(read(PLAIN), tmp_path)

    assert "has the key weights: output/net_320/best_model, which does not name net_192" in issue.message


def test_13_figures_on_private_data_are_marked() -> None:
    columns = ("模型", "输入尺寸", "AP (业务数据集)", "AP (COCO Val)", "模型权重")
    row = ["PP-TinyPose", "128*96", "84.3", "58.4", f"[Model]({FILES}tinypose_128x96.pdparams)"]

    (draft,) = read(table(*columns, rows=[row])).drafts

    assert [(figure.value, figure.private) for figure in draft.accuracy] == [(84.3, True), (58.4, False)]


def test_13_also_if_only_the_parentheses_state_it() -> None:
    columns = ("Model", "Input Size", "Precision", "Model Weights")
    row = ["HRNet", "256x192", "AP: 87.1 (on internal dataset)", f"[L]({FILES}hrnet_w32_256x192.pdparams)"]

    (draft,) = read(table(*columns, rows=[row])).drafts

    assert [(figure.value, figure.private) for figure in draft.accuracy] == [(87.1, True)]


def test_parentheses_with_another_figure_are_an_issue() -> None:
    columns = ("Model", "Input Size", "AP(coco val)", "Model Download")
    row = ["HRNet", "256x192", "67.6(+DARK 68.4)", f"[m]({FILES}hrnet.pdparams)"]

    (draft,) = read(table(*columns, rows=[row])).drafts

    assert draft.accuracy[0].value == 67.6
    assert "the parentheses of '67.6(+DARK 68.4)' are ignored" in draft.issues[0]


@pytest.mark.parametrize("cell", ["fast", "0 ms", "1.2.3"])
def test_a_cell_that_cannot_be_read_is_an_issue_and_no_number(cell: str) -> None:
    columns = ("Model", "Input Size", "AP (COCO Val)", "Time (FP32)", "Model Weights")
    text = table(*columns, rows=[["Net", "128*96", "50", cell, f"[M]({FILES}net.pdparams)"]])

    (draft,) = read(text).drafts

    assert draft.latency == ()
    assert draft.issues == (f'line 5, column "Time (FP32)": {cell!r} is not a time in milliseconds',)

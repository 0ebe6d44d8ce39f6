"""What a column's name says in Chinese, Japanese and Korean, which write no blanks between words.

The longest phrase inside a name counts: `患者氏名` holds `氏名`. Looks at no values. As in names.py a name that
        ends in
what is counted or flagged says nothing, nor does one of a thing that has a name.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_PHRASES = {
    "person_name": """氏名 姓名 名前 名字 本名 顧客名 患者名 担当者名 従業員名 社員名 生徒名 フリガナ ふりがな
        真实姓名 收货人 收件人 联系人
        持卡人 收貨人 聯絡人 성명 이름 성함 고객명 환자명 직원명 수취인 예금주""",
    "first_name": "ファーストネーム",
    "last_name": "苗字 姓氏 성씨 ラストネーム",
    "maiden_name": "旧姓",
    "email": "メール eメール 邮箱 电子邮件 电邮 電子郵件 電郵 이메일 메일주소 전자우편",
    "phone": """電話 電話番号 電話號碼 携帯番号 携帯電話 連絡先 fax番号 电话 电话号码 手机 手机号 手机号码
        联系电话 联系方式 手機 전화 전화번호
        휴대폰 휴대전화 핸드폰 연락처""",
    "address": "住所 地址 住址 주소",
    "postcode": "郵便番号 邮编 邮政编码 郵遞區號 우편번호",
    "city": "市区町村 市町村 出身地 城市 籍贯 出生地 도시 출생지 시군구",
    "country": "国名 国家 國家 국가",
    "nationality": "国籍 國籍 국적",
    "date_of_birth": "生年月日 誕生日 生日 出生日期 出生年月 생년월일 생일",
    "age": "年齢 年龄 年齡 나이 연령",
    "gender": "性別 性别 성별",
    "ethnicity": "民族 人種 인종",
    "religion": "宗教 信仰 종교",
    "marital_status": "婚姻 配偶者有無 결혼여부 혼인상태 결혼상태",
    "national_id": """マイナンバー 個人番号 身份证 身份证号 身份证号码 身分證 证件号 证件号码 證件號碼
        주민등록번호 주민번호
        외국인등록번호""",
    "tax_id": "纳税人识别号 税号 統一編號 사업자등록번호",
    "passport": "パスポート 旅券番号 护照 護照 여권",
    "driver_license": "運転免許 免許証番号 驾驶证 驾照 駕照 운전면허",
    "medical_record_number": "患者番号 患者id カルテ番号 病历号 住院号 就诊卡号 病歷號 환자번호 차트번호",
    "health_condition": "病名 診断 診斷 傷病名 疾患 既往症 血液型 诊断 疾病 病史 血型 병명 진단 혈액형",
    "credit_card": "クレジットカード カード番号 信用卡 신용카드 카드번호",
    "bank_account": "口座番号 銀行口座 银行账号 银行账户 银行卡号 銀行帳號 계좌",
    "salary_or_income": "給与 給料 月給 年収 年俸 工资 薪资 薪水 月薪 年薪 年收入 月收入 급여 연봉 월급 소득",
    "ip_address": "ipアドレス ip地址 ip주소",
    "username": "ユーザー名 ログインid 用户名 登录名 使用者名稱 사용자명 아이디",
    "password": "パスワード 暗証番号 密码 密碼 비밀번호",
    "account_id": """会員番号 会員id 顧客番号 顧客id 社員番号 従業員番号 学籍番号 客户编号 客户号 会员号
        会员编号 员工编号 工号 学号 用户id
        會員編號 회원번호 고객번호 사번 학번""",
    "vehicle_id": "車両番号 ナンバープレート 車台番号 车牌 车架号 車牌 차량번호 차대번호",
    "latitude": "緯度 纬度 위도",
    "longitude": "経度 经度 經度 경도",
    "free_text": "備考 コメント メモ 备注 備註 留言 비고 메모",
}
# A single character is part of too many words; as a whole name it is clear.
_WHOLE = {"姓": "last_name", "名": "first_name", "성": "last_name", "国": "country"}
_ABOUT = re.compile(
    "(?:数|回数|件数|種別|種類|区分|有無|フラグ|状態|结果|数量|类型|状态|型号|类别|品牌|次数|여부|유형|구분|상태|개수|모델)$|^(?:是否|有无)"
)
_THINGS = re.compile("商品|製品|产品|品名|会社|公司|企業|企业|店|部署|部门|회사|상품|제품|부서|ファイル|文件|파일")
_OF_PEOPLE = frozenset({"person_name", "phone"})
_EAST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def said(name: str) -> tuple[str, str] | None:
    """The tag and the phrase that says it; None when a name says nothing or is in another script."""
    if not _EAST.search(name):
        return None
    whole = re.sub(r"[\s_\-().:/]|[0-9]+$", "", unicodedata.normalize("NFKC", name[:300])).lower()
    if whole in _WHOLE:
        return _WHOLE[whole], whole
    found = max((phrase for phrase in _tags() if phrase in whole), key=len, default="")
    if not found or (found != whole and _ABOUT.search(whole)):
        return None
    tag = _tags()[found]
    return None if tag in _OF_PEOPLE and _THINGS.search(whole) else (tag, found)


@functools.cache
def _tags() -> dict[str, str]:
    return {phrase: tag for tag, phrases in _PHRASES.items() for phrase in phrases.split()}
